import { Readable } from "node:stream";
import {
  Body, Controller, Delete, Get, Header, HttpCode, HttpException, Param, Post, Query, Req, Res,
  StreamableFile, UnprocessableEntityException, UploadedFile, UseInterceptors,
} from "@nestjs/common";
import { FileInterceptor } from "@nestjs/platform-express";
import type { Request, Response } from "express";
import { list, mistakes, report } from "../shop";
import { NewItem } from "./new-item";
import { Stock } from "./stock.service";

@Controller()
export class ShopController {
  // Which class to inject is told by the metadata that the compiler writes.
  constructor(private readonly stock: Stock) {}

  @Get("items")
  list(@Query("q") wanted?: string) {
    return list(wanted);
  }

  @Get("items/:id")
  item(@Param("id") id: string, @Res({ passthrough: true }) res: Response) {
    const item = this.stock.find(id);
    res.set("X-Item", item.name);
    return item;
  }

  @Post("items")
  @Header("Location", "/items/3")
  add(@Body() item: NewItem) {
    const wrong = mistakes(item);
    if (wrong.length > 0) throw new UnprocessableEntityException(wrong);
    return { id: "3", ...item };
  }

  @Post("upload")
  @UseInterceptors(FileInterceptor("file"))
  upload(@UploadedFile() file: Express.Multer.File, @Body() body: { note: string }) {
    return { name: file.originalname, bytes: file.size, note: body.note };
  }

  @Get("login")
  login(@Res() res: Response) {
    res.cookie("session", "s1", { httpOnly: true, path: "/" });
    res.redirect(303, "/items");
  }

  @Get("whoami")
  whoami(@Req() req: Request) {
    return req.headers.cookie ?? "nobody";
  }

  @Get("report")
  report() {
    return new StreamableFile(Readable.from(report()), { type: "text/csv" });
  }

  @Get("fail")
  fail() {
    throw new HttpException("teapot", 418);
  }

  @Delete("items/:id")
  @HttpCode(204)
  remove() {}
}
