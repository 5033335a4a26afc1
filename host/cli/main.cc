#include "host/cli/command.h"

int main(int count, char** words) { return duet::cli::run_duet({words + 1, words + count}); }
