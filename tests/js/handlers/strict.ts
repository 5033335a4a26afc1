type Case = string;

export default {
  fetch(request: Request & { params: { case: Case } }) {
    if (request.params.case === "throws") {
      throw new Error(      "at a place" as string);
    }
    return "typed";
  },
};
