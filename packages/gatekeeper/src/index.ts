export { type ProviderItem, type ProviderOptions, providerHandler } from "./provider-handler.ts";
export { createProviderServer } from "./provider-server.ts";
