/** Text cut to a length. Whoever masks secrets must know where text was cut: one that stood there has lost its end. */

/** `text` with at most `limit` characters; what was cut off is named by its length. */
export const bounded = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}... (${text.length - limit} ${CUT_END}`

/** With which each mark of a cut ends. */
export const CUT_END = 'more characters)'

/** The mark that `bounded` leaves, as a group: `split` gives it too. */
export const CUT_MARK = /(\.\.\. \(\d+ more characters\))/
