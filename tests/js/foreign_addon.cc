// An addon of Node's own C++ interface, built as if for Node 18 (CMakeLists.txt says so).
#include <node.h>

static void initialize(v8::Local<v8::Object>, v8::Local<v8::Value>, void*) {}

NODE_MODULE(foreign, initialize)
