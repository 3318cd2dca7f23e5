/** Column types that are native on PostgreSQL and text on SQLite, with one form in the program. */
import { type EntityProperty, type Platform, p, Type } from '@mikro-orm/sql'
import { toJsonText, toPlainText } from '../json-text.ts'

const isPostgres = (platform: Platform): boolean => platform.getDefaultSchemaName() === 'public'

/** ISO 8601 in UTC with milliseconds. */
class IsoTime extends Type<string | null, string | null> {
  override getColumnType(_property: EntityProperty, platform: Platform): string {
    return isPostgres(platform) ? 'timestamptz(3)' : 'text'
  }

  override convertToJSValue(value: string | null): string | null {
    return value === null ? null : new Date(value).toISOString()
  }
}

class JsonText extends Type<unknown, unknown> {
  override getColumnType(_property: EntityProperty, platform: Platform): string {
    return isPostgres(platform) ? 'jsonb' : 'text'
  }

  override convertToDatabaseValue(value: unknown): unknown {
    return value === null || value === undefined ? value : toJsonText(value)
  }

  override convertToJSValue(value: unknown, platform: Platform): unknown {
    return typeof value === 'string' && !isPostgres(platform) ? JSON.parse(value) : value
  }
}

class PlainText extends Type<string | null, string | null> {
  override getColumnType(): string {
    return 'text'
  }

  override convertToDatabaseValue(value: string | null): string | null {
    return typeof value === 'string' ? toPlainText(value) : value
  }
}

/** 64 bits on both; SQLite makes only a column of the very type `integer` its rowid. */
class BigCount extends Type<number, number | string> {
  override getColumnType(property: EntityProperty, platform: Platform): string {
    if (!isPostgres(platform)) return 'integer'
    return property.autoincrement ? 'bigserial' : 'bigint'
  }

  override convertToJSValue(value: number | string): number {
    return Number(value)
  }

  override compareAsType(): string {
    return 'number'
  }
}

export const time = () => p.type(IsoTime).$type<string>()
export const json = <Value>() => p.type(JsonText).$type<Value>()
export const text = <Value extends string = string>() => p.type(PlainText).$type<Value>()
export const count = () => p.type(BigCount).$type<number>()
/** Numbers rows in the order of their insertion. */
export const serial = () => count().primary().autoincrement()
export const uuid = () => p.uuid()
export const stamps = { createdAt: time(), updatedAt: time() }
