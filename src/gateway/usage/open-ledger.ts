/** Opens the books, and has keys and their daily budgets go on where an earlier run left off. */
import type { Allowances } from "../keys/allowances.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Log } from "../metrics/log.ts";
import type { GatewaySettings } from "../settings.ts";
import { hourMs } from "./booking.ts";
import { Ledger } from "./ledger.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { sqlitePlace } from "./sqlite-place.ts";

type Surroundings = Readonly<{
  settings: GatewaySettings;
  log: Log;
  keys: KeyRing;
  allowances: Allowances;
}>;

const hoursPerDay = 24;

/** Opens the ledger; a disk that fails does not keep it from being used. */
export async function openLedger({
  settings,
  log,
  keys,
  allowances,
}: Surroundings): Promise<Ledger> {
  const { file, keptDays, ...kept } = settings.usage;
  const place = await sqlitePlace(file, keptDays);
  const onOpened = (store: LedgerStore) => {
    const lastUsed = store.lastUsed();
    allowances.seed(tokensToday(store));
    keys.remember(lastUsed);
  };
  return new Ledger({ place, log, onOpened, ...kept });
}

function tokensToday(store: LedgerStore): ReadonlyMap<string, number> {
  const hour = Math.floor(Date.now() / hourMs);
  const rows = store.sumsBy("key", hour - (hour % hoursPerDay));
  return new Map(
    rows.map(({ name, input_tokens: input, output_tokens: output }) => [name, input + output]),
  );
}
