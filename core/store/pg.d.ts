/** What is used of `pg`, which brings no types. */
declare module 'pg' {
  export interface QueryResult<Row> {
    readonly rows: Row[]
    /** Null for statements that count nothing. */
    readonly rowCount: number | null
    /** The tag of the statement that ran, for example `COMMIT`. */
    readonly command: string
  }

  export interface Queryable {
    query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  }

  export interface PoolClient extends Queryable {
    /** Gives it back to the pool, or ends it. */
    release(end?: boolean): void
    on(event: 'error', listener: (error: Error) => void): this
  }

  export interface ClientOptions {
    readonly connectionString?: string
    readonly application_name?: string
    readonly connectionTimeoutMillis?: number
    readonly lock_timeout?: number
    readonly statement_timeout?: number
    readonly query_timeout?: number
    readonly idle_in_transaction_session_timeout?: number
    readonly keepAlive?: boolean
    readonly types?: { getTypeParser(oid: number, format?: string): (text: string) => unknown }
  }

  export class Client implements Queryable {
    constructor(options: ClientOptions)
    connect(): Promise<void>
    query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
    end(): Promise<void>
    on(event: 'notification', listener: (message: { readonly payload?: string }) => void): this
    on(event: 'error' | 'end', listener: () => void): this
  }

  export class Pool implements Queryable {
    constructor(options: ClientOptions)
    connect(): Promise<PoolClient>
    query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
    end(): Promise<void>
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'connect', listener: (client: PoolClient) => void): this
  }

  export const types: { getTypeParser(oid: number, format?: string): (text: string) => unknown }
}
