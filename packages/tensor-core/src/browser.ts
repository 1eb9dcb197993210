/** @module @gimbal/tensor-core */

export { backendReport, useBackend } from './backend/use-backend.browser.ts';
export * from './everywhere.ts';
