"use strict";
// The shop in NestJS, as its compiler would leave it (decorators as calls): node nest.cjs, or duet
// serve nest.cjs. It listens some time after its module has run, as bootstrap() of every Nest does.
require("reflect-metadata");
const { Readable } = require("node:stream");
const common = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { FileInterceptor } = require("@nestjs/platform-express");

const { Controller, Module, Get, Post, Delete, Param, Query, Body, Req, Res, HttpCode, Header } =
  common;

// decorate(Class, "method", [decorators], [decorators of its parameters])
function decorate(target, method, decorators, parameters) {
  parameters.forEach((decorator, index) => decorator(target.prototype, method, index));
  Reflect.defineMetadata("design:paramtypes", parameters.map(() => Object), target.prototype, method);
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const one of decorators) one(target.prototype, method, descriptor);
}

async function bootstrap() {
  const { find, list, mistakes, report } = await import("./shop.ts");

  class Shop {
    list(q) {
      return list(q);
    }
    item(id, res) {
      const item = find(id);
      if (item === undefined) throw new common.NotFoundException(`no item ${id}`);
      res.set("X-Item", item.name);
      return item;
    }
    add(item) {
      const wrong = mistakes(item);
      if (wrong.length > 0) throw new common.UnprocessableEntityException(wrong);
      return { id: "3", ...item };
    }
    upload(file, body) {
      return { name: file.originalname, bytes: file.size, note: body.note };
    }
    login(res) {
      res.cookie("session", "s1", { httpOnly: true, path: "/" });
      res.redirect(303, "/items");
    }
    whoami(req) {
      return req.headers.cookie ?? "nobody";
    }
    report() {
      return new common.StreamableFile(Readable.from(report()), { type: "text/csv" });
    }
    fail() {
      throw new common.HttpException("teapot", 418);
    }
    remove() {}
  }
  decorate(Shop, "list", [Get("items")], [Query("q")]);
  decorate(Shop, "item", [Get("items/:id")], [Param("id"), Res({ passthrough: true })]);
  decorate(Shop, "add", [Post("items"), Header("Location", "/items/3")], [Body()]);
  decorate(Shop, "upload", [Post("upload"), common.UseInterceptors(FileInterceptor("file"))],
           [common.UploadedFile(), Body()]);
  decorate(Shop, "login", [Get("login")], [Res()]);
  decorate(Shop, "whoami", [Get("whoami")], [Req()]);
  decorate(Shop, "report", [Get("report")], []);
  decorate(Shop, "fail", [Get("fail")], []);
  decorate(Shop, "remove", [Delete("items/:id"), HttpCode(204)], []);
  Controller()(Shop);
  class App {}
  Module({ controllers: [Shop] })(App);

  const app = await NestFactory.create(App, { logger: ["error", "warn"] });
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
}
bootstrap();
