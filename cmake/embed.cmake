# Writes a C++ file that holds text files as constants: cmake -DOUT=… -DHEADER=… -DFILES="NAME=FILE;…" -P
# The standard asks for 65,536 characters of a literal; compilers that people use take more, and clang warns.
set(source "#include \"${HEADER}\"\n\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\nnamespace redline {\n")
foreach(entry ${FILES})
  string(REGEX MATCH "^([^=]+)=(.*)$" _ "${entry}")
  set(name ${CMAKE_MATCH_1})
  file(READ ${CMAKE_MATCH_2} text)
  string(APPEND source "\nconst std::string_view ${name} = R\"embedded(${text})embedded\";\n")
endforeach()
file(WRITE ${OUT} "${source}\n}  // namespace redline\n")
