/** @module @gimbal/tensor-core */
export {};
