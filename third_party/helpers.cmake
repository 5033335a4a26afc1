# One line per target. FILES are patterns (without any: *.cc of the folder) and a target that has no
# file yet is harmless, so adding a file never means editing CMake.
#
#   duet_library(<name> [FILES p...] [DEPS d...])  static library duet_<name>, a part of the host
#   duet_engine(<name> [FILES p...] [DEPS d...] [INCLUDES i...] [DEFINES d...])
#                              loadable module of the host: lib/duet/duet_<name>.so
#   duet_plugin(<name> [FILES p...])  native plug-in: lib/duet/plugins/<name>.so
#   duet_test(<name> LABELS l... [FILES p...] [DEPS d...] [HOST] [OPTIMIZED] [SERIAL]
#             [TIMEOUT s])     GoogleTest program; HOST: with the whole host, exported for modules;
#                              OPTIMIZED: its own code is the work, also in debug builds; SERIAL:
#                              no other test runs beside it
#   duet_fuzz(<name> FILES p... DEPS d... CORPUS dir [COVERS regex MINIMUM percent] [SECONDS s])
#                              fuzz preset: explores for a while, then reports the line coverage of the
#                              sources that match; elsewhere: replays the corpus as an ordinary test
#   duet_embed(<target> <file>...)  each file becomes duet::embedded::<file_ext>, a string_view
#                              declared in "embedded/<file>_<ext>.h"
#   duet_programs(<folder>...)  the target "programs": all that these folders build by default, which
#                              is what users run, without the tests

# Sources compiled together, since reading headers is half of the work: for builds from nothing. What two
# sources of a target name alike goes into a header, or the target says UNITY_BUILD OFF.
function(duet_unity target)
  if(DUET_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    # g++ takes what a source shows only itself for a header's.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

macro(duet_arguments options values lists)
  cmake_parse_arguments(arg "${options}" "${values}" "FILES;DEPS;${lists}" ${ARGN})
  if(NOT arg_FILES)
    set(arg_FILES *.cc)
  endif()
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  file(GLOB sources CONFIGURE_DEPENDS ${arg_FILES})
endmacro()

# Every host library, in the order of declaration: what the executable takes in whole.
define_property(GLOBAL PROPERTY DUET_HOST_LIBRARIES)

function(duet_library name)
  duet_arguments("" "" "" ${ARGN})
  set(target duet_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    duet_unity(${target})
    target_link_libraries(${target} PUBLIC ${arg_DEPS} PRIVATE duet_flags)
    target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}")
    set_property(GLOBAL APPEND PROPERTY DUET_HOST_LIBRARIES ${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${arg_DEPS})
    target_include_directories(${target} INTERFACE "${CMAKE_SOURCE_DIR}")
  endif()
  add_library(duet::${name} ALIAS ${target})
endfunction()

# Leads libnode to the private prefix in an executable, which also shows its symbols (exports.list);
# or in a library that stands for one.
function(duet_prefix_paths target)
  if(DUET_PREFIX)
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/host/cli/prefix_paths.cc")
    set_property(SOURCE "${CMAKE_SOURCE_DIR}/host/cli/prefix_paths.cc" TARGET_DIRECTORY ${target}
                 APPEND PROPERTY COMPILE_DEFINITIONS "DUET_PREFIX=\"${DUET_PREFIX}\"")
  endif()
  set(exports "${CMAKE_SOURCE_DIR}/third_party/exports.list")
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    # The same list as a library wants it, which also binds its own calls to itself, as programs do.
    file(READ "${exports}" text)
    string(REGEX REPLACE "^([^{]*{)(.*)(};[ \n]*)$" "\\1 global:\\2  local: *;\n\\3" text "${text}")
    set(exports "${CMAKE_CURRENT_BINARY_DIR}/${target}.exports")
    file(CONFIGURE OUTPUT "${exports}" CONTENT "${text}" @ONLY)
    target_link_options(${target} PRIVATE "-Wl,--version-script=${exports}" -Wl,-Bsymbolic
                        -Wl,--no-undefined)
  else()
    target_link_options(${target} PRIVATE "-Wl,--dynamic-list=${exports}")
  endif()
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${exports}")
endfunction()

# Gives an executable all of the host, and lets modules that it opens resolve duet's own symbols
# (and only those: a library that an extension module brings along must not meet ours by accident).
function(duet_whole_host target)
  get_property(libraries GLOBAL PROPERTY DUET_HOST_LIBRARIES)
  if(libraries)
    target_link_libraries(${target} PRIVATE ${libraries})
    # By hand, because CMake's WHOLE_ARCHIVE names an archive again where libraries need each other,
    # and its symbols would be defined twice. Named again without it, it adds nothing.
    list(TRANSFORM libraries REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE files)
    list(JOIN files " " files)
    target_link_options(${target} PRIVATE "SHELL:-Wl,--whole-archive ${files} -Wl,--no-whole-archive")
  endif()
  duet_prefix_paths(${target})
  target_link_libraries(${target} PRIVATE duet_flags duet::uv duet::prefix_link ${CMAKE_DL_LIBS})
endfunction()

function(duet_engine name)
  duet_arguments("" "" "INCLUDES;DEFINES" ${ARGN})
  if(NOT sources)
    return()
  endif()
  add_library(duet_${name} MODULE ${sources})
  set_target_properties(duet_${name} PROPERTIES PREFIX "" OUTPUT_NAME "duet_${name}"
    LIBRARY_OUTPUT_DIRECTORY "${DUET_MODULE_DIR}" CXX_VISIBILITY_PRESET hidden)
  target_include_directories(duet_${name} SYSTEM PRIVATE ${arg_INCLUDES})
  target_compile_definitions(duet_${name} PRIVATE ${arg_DEFINES})
  add_dependencies(duet_${name} duet_boundary)
  target_include_directories(duet_${name} PRIVATE "${DUET_BOUNDARY_DIR}")
  # Headers of the host's own dependencies, but not their code: the executable has it.
  target_include_directories(duet_${name} SYSTEM PRIVATE
    $<TARGET_PROPERTY:duet::json,INTERFACE_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:duet::fmt,INTERFACE_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:duet::hdr,INTERFACE_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:duet::llhttp,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(duet_${name} PRIVATE duet_flags duet::uv ${arg_DEPS})
  target_link_options(duet_${name} PRIVATE -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags)
endfunction()

function(duet_plugin name)
  duet_arguments("" "" "" ${ARGN})
  if(NOT sources)
    return()
  endif()
  add_library(duet_plugin_${name} MODULE ${sources})
  set_target_properties(duet_plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME "${name}"
    LIBRARY_OUTPUT_DIRECTORY "${DUET_MODULE_DIR}/plugins" CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(duet_plugin_${name} PRIVATE duet_flags ${arg_DEPS})
endfunction()

# Tests run for a moment and are compiled often: what compiles fast is right for them. GoogleTest's
# and JSON's headers are most of the work, and are read once for all of them.
function(duet_compile_test target)
  target_compile_options(${target} PRIVATE -O0)
  if(NOT TARGET duet_test_headers)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/test_headers.cc" CONTENT "int main() {}\n")
    add_executable(duet_test_headers EXCLUDE_FROM_ALL "${CMAKE_BINARY_DIR}/test_headers.cc")
    target_link_libraries(duet_test_headers PRIVATE duet::gtest duet::json duet_flags)
    target_compile_options(duet_test_headers PRIVATE -O0)
    target_precompile_headers(duet_test_headers PRIVATE
      <gtest/gtest.h> <nlohmann/json.hpp> <chrono> <filesystem> <functional> <future> <sstream>)
  endif()
  target_link_libraries(${target} PRIVATE duet::json)
  target_precompile_headers(${target} REUSE_FROM duet_test_headers)
endfunction()

function(duet_test name)
  duet_arguments("HOST;OPTIMIZED;SERIAL" "TIMEOUT" "LABELS" ${ARGN})
  if(NOT sources OR NOT DUET_TESTS)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${sources})
  duet_unity(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} duet::gtest_main duet::prefix_link duet_flags)
  if(arg_OPTIMIZED)
    target_compile_options(${name} PRIVATE -O2)
  else()
    duet_compile_test(${name})
  endif()
  if(arg_HOST)
    duet_whole_host(${name})
  endif()
  # PRE_TEST: the cases are listed when ctest runs, so that building does not execute anything.
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    NO_PRETTY_VALUES
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL})
endfunction()

function(duet_fuzz name)
  duet_arguments("" "CORPUS;COVERS;MINIMUM;SECONDS" "" ${ARGN})
  if(NOT sources OR NOT DUET_TESTS)
    return()
  endif()
  if(NOT arg_SECONDS)
    set(arg_SECONDS 30)
  endif()
  cmake_path(ABSOLUTE_PATH arg_CORPUS)
  if(NOT DUET_FUZZ)
    list(APPEND sources "${CMAKE_SOURCE_DIR}/tests/support/replay_corpus.cc")
  endif()
  add_executable(fuzz_${name} ${sources})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(fuzz_${name} PRIVATE ${arg_DEPS} duet::prefix_link duet_flags)
  if(DUET_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND sh "${CMAKE_SOURCE_DIR}/tests/support/fuzz.sh"
      "$<TARGET_FILE:fuzz_${name}>" "${arg_CORPUS}" "${CMAKE_BINARY_DIR}/fuzz/${name}" ${arg_SECONDS}
      "${DUET_CLANG_PROFDATA}" "${DUET_CLANG_COV}" "${arg_COVERS}" "${arg_MINIMUM}")
  else()
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} "${arg_CORPUS}")
  endif()
  math(EXPR timeout "${arg_SECONDS} + 60")
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT ${timeout})
endfunction()

function(duet_embed target)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER "${name}" name)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded")
    file(CONFIGURE OUTPUT "${folder}/embedded/${name}.h" @ONLY CONTENT
"// Generated by duet_embed: the contents of @file@, NUL-terminated.
#pragma once
#include <string_view>
namespace duet::embedded {
extern const std::string_view @name@;
}
")
    file(CONFIGURE OUTPUT "${folder}/${name}.cc" @ONLY CONTENT
"#include \"embedded/@name@.h\"
asm(\".pushsection .rodata\\n.balign 16\\nduet_embedded_@name@: .incbin \\\"@file@\\\"\\n\"
    \"duet_embedded_@name@_end: .byte 0\\n.popsection\");
extern \"C\" {
__attribute__((visibility(\"hidden\"))) extern const char duet_embedded_@name@[];
__attribute__((visibility(\"hidden\"))) extern const char duet_embedded_@name@_end[];
}
namespace duet::embedded {
const std::string_view @name@{duet_embedded_@name@,
    static_cast<size_t>(duet_embedded_@name@_end - duet_embedded_@name@)};
}
")
    # A unity build would lose the dependency: what was edited would stay as it was.
    set_source_files_properties("${folder}/${name}.cc" PROPERTIES OBJECT_DEPENDS "${file}"
      SKIP_UNITY_BUILD_INCLUSION ON)
    target_sources(${target} PRIVATE "${folder}/${name}.cc")
    target_include_directories(${target} PRIVATE "${folder}")
  endforeach()
endfunction()

if(DUET_TESTS)
  include(GoogleTest)
endif()

function(duet_targets_below folder out)
  get_property(found DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(below DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(directory IN LISTS below)
    duet_targets_below("${directory}" more)
    list(APPEND found ${more})
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

function(duet_programs)
  add_custom_target(programs)
  foreach(folder IN LISTS ARGN)
    duet_targets_below("${CMAKE_SOURCE_DIR}/${folder}" targets)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      if(NOT type MATCHES "UTILITY|INTERFACE_LIBRARY")
        add_dependencies(programs ${target})
      endif()
    endforeach()
  endforeach()
  if(TARGET demo)
    add_dependencies(demo programs)
  endif()
endfunction()
