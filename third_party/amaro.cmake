# amaro: the type stripper that Node itself ships (Debian's build leaves it out), from npm.
# Recorded here, not in versions.lock: version and hash are fixed, so nothing can change unseen.

set(DUET_NPM_REGISTRY "" CACHE STRING "Where npm packages are fetched from; empty: as npm is set up")

set(amaro_version 1.2.1)
set(amaro_sha512 "457341d7f99ba5ba70af8995950818655758e021e5eeb144c70a2ff9739359f821a6c335b36b03ff9bb8a1342428be0fb740463481314958d170b323732b480d")

# The one file of it that we embed: self-contained, with the WebAssembly inside.
set(DUET_TYPE_STRIPPER "${DUET_DEPS_DIR}/npm/amaro-${amaro_version}/package/dist/internal.js")

if(NOT EXISTS "${DUET_TYPE_STRIPPER}")
  set(registry "${DUET_NPM_REGISTRY}")
  if(registry STREQUAL "" AND DEFINED ENV{npm_config_registry})
    set(registry "$ENV{npm_config_registry}")
  endif()
  find_program(npm npm NO_CACHE)
  if(registry STREQUAL "" AND npm)
    execute_process(COMMAND "${npm}" config get registry OUTPUT_VARIABLE registry ERROR_QUIET
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  if(registry STREQUAL "")
    duet_fail("npm, which knows where its packages are, is missing: apt-get install npm, or name a registry "
      "with -DDUET_NPM_REGISTRY=...")
  endif()
  string(REGEX REPLACE "/$" "" registry "${registry}")
  set(url "${registry}/amaro/-/amaro-${amaro_version}.tgz")
  set(archive "${DUET_DEPS_DIR}/npm/amaro-${amaro_version}.tgz")
  message(STATUS "Fetching ${url}")
  file(DOWNLOAD "${url}" "${archive}" STATUS status INACTIVITY_TIMEOUT 30)
  list(GET status 0 code)
  if(NOT code EQUAL 0)
    list(GET status 1 why)
    file(REMOVE "${archive}")
    duet_fail("${url} cannot be fetched (${why}): check the network, or "
      "name another registry with -DDUET_NPM_REGISTRY=...")
  endif()
  file(SHA512 "${archive}" hash)
  if(NOT hash STREQUAL amaro_sha512)
    file(REMOVE "${archive}")
    duet_fail("${url} is not the file that was recorded (SHA-512 ${hash})")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${DUET_DEPS_DIR}/npm/amaro-${amaro_version}")
endif()
