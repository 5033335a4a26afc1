# Compiler flags as interface targets: duet_flags for everything of ours, nothing for dependencies.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  duet_fail("duet needs g++ 12 or later, found ${CMAKE_CXX_COMPILER_VERSION}: apt-get install g++-12")
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")  # DUET_CHECK and assert stay in: they are cheap
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")

add_library(duet_flags INTERFACE)
target_compile_options(duet_flags INTERFACE
  -Wall -Wextra -Wpedantic
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  -fno-omit-frame-pointer  # profilers walk our frames; costs nothing measurable
  -fno-plt)                # one indirect call instead of two for each libuv and llhttp function
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(duet_flags INTERFACE -Wno-missing-field-initializers)
endif()
if(DUET_WERROR)
  target_compile_options(duet_flags INTERFACE -Werror)
endif()
target_include_directories(duet_flags INTERFACE "${CMAKE_SOURCE_DIR}")

if(DUET_SANITIZE)
  # Global, so that GoogleTest is instrumented alike (container annotations must agree).
  add_compile_options(-fsanitize=${DUET_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DUET_SANITIZE})
endif()

if(DUET_FUZZ)
  # Everything is instrumented for the fuzzer, for errors and for the coverage report.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                      -fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fsanitize=address,undefined -fprofile-instr-generate)
endif()

find_package(Threads REQUIRED)
