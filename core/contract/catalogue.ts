/**
 * Every RPC method, by name. Auth, secrets, workers and composite tasks each become one more file in `methods/`
 * and one more line here.
 */
import type { Method, ParamsOf, ParsedParamsOf, ResultOf } from './method.ts'
import { agents } from './methods/agents.ts'
import { comparisons } from './methods/comparisons.ts'
import { execution } from './methods/execution.ts'
import { plugins } from './methods/plugins.ts'
import { repositories } from './methods/repositories.ts'
import { system } from './methods/system.ts'
import { tasks } from './methods/tasks.ts'

/** The groups, in the order of the reference page. */
export const groups = { tasks, comparisons, execution, repositories, agents, plugins, system } satisfies Record<
  string,
  Record<string, Method>
>

export const catalogue = { ...tasks, ...comparisons, ...execution, ...repositories, ...agents, ...plugins, ...system }
export type Catalogue = typeof catalogue
export type MethodName = keyof Catalogue
export type MethodParams<Name extends MethodName> = ParamsOf<Catalogue[Name]>
export type ParsedParams<Name extends MethodName> = ParsedParamsOf<Catalogue[Name]>
export type MethodResult<Name extends MethodName> = ResultOf<Catalogue[Name]>

export const isMethodName = (name: string): name is MethodName => Object.hasOwn(catalogue, name)
