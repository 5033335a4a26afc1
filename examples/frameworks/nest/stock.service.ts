import { Injectable, NotFoundException } from "@nestjs/common";
import { find } from "../shop";

@Injectable()
export class Stock {
  find(id: string) {
    const item = find(id);
    if (item === undefined) throw new NotFoundException(`no item ${id}`);
    return item;
  }
}
