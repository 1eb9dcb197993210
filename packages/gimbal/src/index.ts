/** @module gimbal */
export {};
