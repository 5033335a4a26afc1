// The shop in NestJS as it is written: duet serve nest/main.ts. Its decorators are compiled by the
// project's own TypeScript, by its tsconfig.json. ../nest.cjs is the same as its build leaves it.
import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { ShopModule } from "./shop.module";

async function bootstrap() {
  const app = await NestFactory.create(ShopModule, { logger: ["error", "warn"] });
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
}
bootstrap();
