// Node by itself, from the libnode that duet uses. process.execPath names it, so that what handlers
// start as "node" (fork, cluster, tools of packages) is one.
#include <node.h>

int main(int argc, char** argv) { return node::Start(argc, argv); }
