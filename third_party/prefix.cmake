# Obtains the private prefix (see README.md beside this file) and describes it as imported targets.
#
# Each duet::<library> shows only that library's own headers: the prefix's usr/include also holds
# a libc newer than the compiler's, and the two must not mix. For the same reason everything links
# by full path, and executables use the prefix's loader (duet::prefix_link).

set(DUET_DEBIAN_SUITE "forky" CACHE STRING "Debian suite that provides Node 24")

set(duet_packages
    libnode-dev libuv1-dev libllhttp-dev libhdr-histogram-dev libtomlplusplus-dev libcli11-dev
    libfmt-dev nlohmann-json3-dev pybind11-dev googletest libssl-dev libsqlite3-dev iso-codes)

# A distribution that itself has Node 24 or later is used as it is.
set(system_node 0)
if(EXISTS /usr/include/node/node_version.h)
  file(STRINGS /usr/include/node/node_version.h line REGEX "define NODE_MAJOR_VERSION")
  string(REGEX MATCH "[0-9]+" system_node "${line}")
endif()
if(system_node GREATER_EQUAL 24)
  set(DUET_PREFIX "")
  message(STATUS "Using the system's libnode ${system_node} and its companions")
else()
  duet_fetch("${DUET_DEPS_DIR}/prefix" SUITE "${DUET_DEBIAN_SUITE}"
             LOCK "${CMAKE_CURRENT_LIST_DIR}/versions.lock"
             # Comes along with the -dev packages, but the compiler's own is the one to use.
             SKIP "libpython3.*|libc6-dev|libc-dev-bin|linux-libc-dev"
             PACKAGES ${duet_packages})
  file(REAL_PATH "${DUET_DEPS_DIR}/prefix/root" DUET_PREFIX)
endif()

set(DUET_ISO_CODES_DIR "${DUET_PREFIX}/usr/share/iso-codes/json")
set(duet_include_dir "${CMAKE_BINARY_DIR}/deps-include")

# Finds lib<name>.so of the prefix (or the system).
function(duet_find_library result name)
  find_library(DUET_LIB_${name} NAMES ${name} NO_DEFAULT_PATH NO_CACHE
    PATHS "${DUET_PREFIX}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}" "${DUET_PREFIX}/usr/lib")
  if(NOT DUET_LIB_${name})
    duet_fail("lib${name}.so is missing under '${DUET_PREFIX}/usr/lib': "
      "on a system with its own Node 24, install: apt-get install ${duet_packages}")
  endif()
  set(${result} "${DUET_LIB_${name}}" PARENT_SCOPE)
endfunction()

# duet_import(<name> HEADERS usr/include/x... [LIBRARIES n...] [DEFINES d...]) makes duet::<name>.
function(duet_import name)
  cmake_parse_arguments(arg "" "" "HEADERS;LIBRARIES;DEFINES" ${ARGN})
  add_library(duet_dep_${name} INTERFACE)
  add_library(duet::${name} ALIAS duet_dep_${name})
  set(own "${duet_include_dir}/${name}")
  file(MAKE_DIRECTORY "${own}")
  foreach(header IN LISTS arg_HEADERS)
    cmake_path(GET header FILENAME file)
    file(CREATE_LINK "${DUET_PREFIX}/usr/include/${header}" "${own}/${file}" SYMBOLIC)
  endforeach()
  target_include_directories(duet_dep_${name} SYSTEM INTERFACE "${own}")
  target_compile_definitions(duet_dep_${name} INTERFACE ${arg_DEFINES})
  foreach(library IN LISTS arg_LIBRARIES)
    duet_find_library(path ${library})
    target_link_libraries(duet_dep_${name} INTERFACE "${path}")
  endforeach()
endfunction()

set(arch "${CMAKE_LIBRARY_ARCHITECTURE}")
duet_import(uv HEADERS uv.h uv LIBRARIES uv)
duet_import(llhttp HEADERS llhttp.h LIBRARIES llhttp)
duet_import(hdr HEADERS hdr LIBRARIES hdr_histogram)
duet_import(toml HEADERS toml++)
duet_import(cli11 HEADERS CLI)
duet_import(fmt HEADERS fmt LIBRARIES fmt)
duet_import(json HEADERS nlohmann)
duet_import(pybind11 HEADERS pybind11)
# libnode-dev brings it along: the copy that V8 and Node use.
duet_import(zlib HEADERS zlib.h zconf.h LIBRARIES z)
duet_import(ssl LIBRARIES ssl crypto)
duet_import(sqlite HEADERS sqlite3.h LIBRARIES sqlite3)
# Debian splits OpenSSL's headers: two of them are per architecture.
file(GLOB ssl_headers "${DUET_PREFIX}/usr/include/openssl/*.h"
     "${DUET_PREFIX}/usr/include/${arch}/openssl/*.h")
file(MAKE_DIRECTORY "${duet_include_dir}/ssl/openssl")
foreach(header IN LISTS ssl_headers)
  cmake_path(GET header FILENAME file)
  file(CREATE_LINK "${header}" "${duet_include_dir}/ssl/openssl/${file}" SYMBOLIC)
endforeach()

duet_import(node LIBRARIES node)
# The second has the same headers and v8-fast-api-calls.h, which Node does not install by itself.
target_include_directories(duet_dep_node SYSTEM INTERFACE
  "${DUET_PREFIX}/usr/include/node" "${DUET_PREFIX}/usr/include/nodejs/deps/v8/include")
target_link_libraries(duet_dep_node INTERFACE duet::uv)

# For executables. DT_RPATH (not RUNPATH) so that libraries opened later by engines resolve in the
# prefix too; undefined symbols are allowed because the libraries' glibc is newer than the linker's.
add_library(duet_prefix_link INTERFACE)
add_library(duet::prefix_link ALIAS duet_prefix_link)
if(DUET_PREFIX)
  set(prefix_lib "${DUET_PREFIX}/usr/lib/${arch}")
  file(GLOB loader "${prefix_lib}/ld-linux*.so.*" "${DUET_PREFIX}/usr/lib/ld-linux*.so.*")
  list(GET loader 0 loader)
  target_link_options(duet_prefix_link INTERFACE
    -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags "-Wl,-rpath,${prefix_lib}"
    "-Wl,--dynamic-linker=${loader}")
endif()

# GoogleTest comes as sources, so that it is built by this compiler with these flags.
if(DUET_TESTS)
  set(INSTALL_GTEST OFF)
  set(BUILD_GMOCK ON)
  add_subdirectory("${DUET_PREFIX}/usr/src/googletest" "${CMAKE_BINARY_DIR}/googletest"
                   EXCLUDE_FROM_ALL SYSTEM)
  add_library(duet::gtest ALIAS gmock)
  add_library(duet::gtest_main ALIAS gmock_main)
endif()
