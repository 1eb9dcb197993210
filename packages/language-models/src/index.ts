/** @module @gimbal/language-models */
export {};
