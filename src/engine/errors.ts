/** Every way an engine can refuse, by what the user can do about it. */
export * from "./errors/endpoint.ts";
export * from "./errors/connection.ts";
export * from "./errors/conflict.ts";
export * from "./errors/container.ts";
export * from "./errors/resources.ts";
export * from "./errors/image.ts";
