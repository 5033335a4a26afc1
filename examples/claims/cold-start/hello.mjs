export default () => Response.json({ message: "Hello, World" });
