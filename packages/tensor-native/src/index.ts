/** @module @gimbal/tensor-native */
export {};
