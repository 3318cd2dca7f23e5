/** Errors that any call may be answered with, beside those that its method lists. */
import type { ErrorCode } from '../base/errors.ts'

export const COMMON_ERRORS: readonly ErrorCode[] = [
  'PARSE_ERROR',
  'INVALID_REQUEST',
  'METHOD_NOT_FOUND',
  'INVALID_PARAMS',
  'INTERNAL',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'ABORTED',
  'TIMEOUT',
  'HOST_UNREACHABLE',
  'LIMIT_BODY',
  'LIMIT_BATCH',
  'LIMIT_DEPTH',
  'STORE_BUSY',
  'STORE_FAILED',
  'STORE_CORRUPT',
]
