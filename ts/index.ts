// The public interface. Each module named here is public as a whole; scripts/types.mjs makes index.d.ts from them.
export * from './check.js';
export * from './convert.js';
export * from './encode.js';
export * from './errors.js';
export * from './features.js';
export * from './kernel.js';
export * from './report.js';
