# clang-format, clang-tidy, clang and llvm-cov at one version, for the presets that need them (tidy, fuzz).
# They come from Debian 12 whatever the machine runs, so that every machine formats alike. Of the
# closure only LLVM and its own libraries are unpacked: libc and libstdc++ are the machine's.

# duet_tools(<result>): fetches; afterwards DUET_CLANG_{FORMAT,TIDY,CXX,C,COV,PROFDATA} are programs to run.
function(duet_tools result)
  duet_fetch("${DUET_DEPS_DIR}/tools" SUITE bookworm RESULT failed
    LOCK "${CMAKE_SOURCE_DIR}/third_party/tools.lock"
    ONLY "clang.*|libclang.*|libllvm.*|llvm.*|libedit2|libz3-4|libxml2|libicu72|libtinfo6|libbsd0|libmd0|libffi8|liblzma5|zlib1g|libzstd1|libyaml-0-2"
    PACKAGES clang-format-16 clang-tidy-16 clang-16 libclang-rt-16-dev llvm-16)
  set(${result} ${failed} PARENT_SCOPE)
  if(NOT failed EQUAL 0)
    return()
  endif()
  file(GLOB llvm "${DUET_DEPS_DIR}/tools/root/usr/lib/llvm-*/bin")
  file(GLOB libraries "${DUET_DEPS_DIR}/tools/root/usr/lib/*-linux-gnu*")
  foreach(tool FORMAT:clang-format TIDY:clang-tidy CXX:clang++ C:clang COV:llvm-cov
               PROFDATA:llvm-profdata)
    string(REPLACE ":" ";" tool "${tool}")
    list(GET tool 0 variable)
    list(GET tool 1 program)
    # LLVM's libraries lie where no loader looks: a wrapper names the place for this program alone.
    set(wrapper "${DUET_DEPS_DIR}/tools/bin/${program}")
    file(CONFIGURE OUTPUT "${wrapper}" @ONLY CONTENT
      "#!/bin/sh\nLD_LIBRARY_PATH='@libraries@' exec '@llvm@/@program@' \"$@\"\n")
    file(CHMOD "${wrapper}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
         GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    set(DUET_CLANG_${variable} "${wrapper}" PARENT_SCOPE)
  endforeach()
endfunction()
