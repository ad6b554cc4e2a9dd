/** The pool alone: the whole of undici costs start-up time and memory that a proxy never uses. */
declare module "undici/lib/dispatcher/pool.js" {
  export { Pool as default } from "undici";
}
