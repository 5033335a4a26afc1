export class NewItem {
  name!: string;
  cents!: number;
}
