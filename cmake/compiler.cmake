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
