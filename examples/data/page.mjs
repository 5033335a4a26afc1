// GET /: what a site has beside its models: answered on the loop while they calculate in threads.
const ROUTES = ['/digits?sample=7', '/iris?by=species', '/tones?hertz=440,880'];

export default () => ({ try: ROUTES });
