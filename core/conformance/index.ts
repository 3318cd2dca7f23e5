/** `troupe/plugin/testing`: checks that a plugin keeps the contract. */
export { checkPlugin } from './check-plugin.ts'
export type { CheckOptions } from './check-plugin.ts'
export { POINTS } from './points.ts'
export type { Point, PointId, Report, Verdict } from './points.ts'
export { SCENES } from './scenes.ts'
export type { SceneName, Stage, Staging } from './scenes.ts'
