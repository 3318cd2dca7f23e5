import { Migration } from '@mikro-orm/migrations'

/** Never ends, halfway. */
export class Endless extends Migration {
  override async up(): Promise<void> {
    await this.execute(`alter table workspace add column shape text`)
    await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1))
  }
}
