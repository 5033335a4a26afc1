"use strict";
// A controller of its own path below a global prefix, on Fastify's adapter.
require("reflect-metadata");
const { Controller, Get, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { FastifyAdapter } = require("@nestjs/platform-fastify");

class Items {
  item() {
    return "item";
  }
}
Get(":item")(Items.prototype, "item", Object.getOwnPropertyDescriptor(Items.prototype, "item"));
Controller("shops/:shop/items")(Items);
class App {}
Module({ controllers: [Items] })(App);

NestFactory.create(App, new FastifyAdapter(), { logger: ["error", "warn"] }).then((app) => {
  app.setGlobalPrefix("api");
  return app.listen(1);
});
