/** @module @gimbal/worlds */
export {};
