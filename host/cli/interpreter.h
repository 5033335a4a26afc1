// Python runs in the interpreter that the user has, and not in that one's shared library.
//
// A python program that contains the interpreter is faster than the libpython of the same package,
// which is compiled to be loaded at any address: Debian's 3.11 by 15% on an application of Flask's.
// So the process becomes that program, with all of duet in a library (libduet.so) that is loaded
// ahead of it and whose main() runs instead of Python's own: the same process id, files and
// environment. What embeds Python does not notice, but for the libpython that is not opened.
#pragma once

#include <string>
#include <string_view>

namespace duet::cli {

// Before anything was printed, opened or started: the process begins again. `directory`: as of
// choose_python(). Returns when this process runs in the interpreter already, and when libpython is
// to be used: the interpreter is only the front of one (of a shared build), or a script, or shows
// symbols of libraries that Node has, too; duet has privileges of its file, which another program
// would not get; DUET_LIBPYTHON is set.
void continue_in_interpreter(std::string_view directory);

// Whether this process has Python's functions without a libpython having been opened.
bool inside_interpreter();

// Whether that file is a program of this machine that contains Python, no library of Node's, and no
// folders (DT_RPATH) in which Node's libraries would be looked for first.
bool contains_python(const std::string& path);

}  // namespace duet::cli
