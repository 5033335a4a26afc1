import { Module } from "@nestjs/common";
import { ShopController } from "./shop.controller";
import { Stock } from "./stock.service";

@Module({ controllers: [ShopController], providers: [Stock] })
export class ShopModule {}
