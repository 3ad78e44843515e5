# Precompiled headers of the standard library, fmt, Catch2 and nlohmann/json for the presets that are built for tests only: parsing these
# takes a third of the time of compiling a file. The release preset goes without, so a file that relies on them instead of its own
# includes fails there. With clang only: GCC demands the same macros for every file.
#
# Our own headers aren't precompiled: then a change in one would compile everything anew.
if(NOT BLOWBACK_PRECOMPILED)
  return()
endif()

# Sets up the target precompiled_NAME, from which others can use cmake/precompiled/HEADER.h; they need the same optimisation and sanitizers.
function(blowback_precompiled name header)
  cmake_parse_arguments(PRECOMPILED "" "" "USES;OPTIONS" ${ARGN})
  set(empty ${CMAKE_BINARY_DIR}/precompiled_${name}.cc)
  file(CONFIGURE OUTPUT ${empty} CONTENT "")
  set_source_files_properties(${empty} PROPERTIES SKIP_LINTING ON)
  add_library(precompiled_${name} STATIC ${empty})
  target_link_libraries(precompiled_${name} PRIVATE ${PRECOMPILED_USES})
  target_compile_options(precompiled_${name} PRIVATE ${PRECOMPILED_OPTIONS})
  target_precompile_headers(precompiled_${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${header}.h)
endfunction()

set(CMAKE_PCH_INSTANTIATE_TEMPLATES ON)
# Files with and without -pthread can't share a precompiled header. A header without its time is the same file after each build, for ccache.
add_compile_options(-pthread "SHELL:-Xclang -fno-pch-timestamp")
blowback_precompiled(rooms rooms USES blowback::fmt)
blowback_precompiled(hot_rooms rooms USES blowback::fmt OPTIONS ${BLOWBACK_HOT_OPTIONS})
if(BLOWBACK_TESTS)
  blowback_precompiled(tests tests USES blowback::fmt blowback::json Catch2::Catch2 OPTIONS ${BLOWBACK_TEST_OPTIONS})
endif()
