# Flags that every target shares: warnings are errors, and the sanitizers of the preset.
add_library(redline_compiler INTERFACE)
target_compile_options(redline_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wnull-dereference -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these two from inlined standard containers at -O2 and above.
  target_compile_options(redline_compiler INTERFACE -Wno-null-dereference -Wno-restrict)
endif()
target_include_directories(redline_compiler INTERFACE ${CMAKE_SOURCE_DIR}/src)

# What no operation passes through is compiled for little time and without line numbers: half the
# compiler's work at -O3 -g1.
set(REDLINE_COLD_OPTIONS $<$<CONFIG:Release>:-O1> $<$<CONFIG:Release>:-g0>)

# mold links in a quarter of ld's time.
find_program(REDLINE_MOLD mold)
if(REDLINE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
if(REDLINE_SANITIZE)
  target_compile_options(redline_compiler INTERFACE -fsanitize=${REDLINE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(redline_compiler INTERFACE -fsanitize=${REDLINE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With its checks compiled in, g++ 12 takes members of std::regex's states for uninitialised.
    target_compile_options(redline_compiler INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(REDLINE_FUZZ)
  # So that the fuzzer sees which branches of our libraries an input takes.
  target_compile_options(redline_compiler INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(redline_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()
