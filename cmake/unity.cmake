# A unity build compiles several sources of a target at once: the headers are parsed once for all of
# them, and that is most of what a source costs. A batch is small enough that a change to one source
# is compiled and linked in seconds. Presets without it (debug, asan, tsan, fuzz) hold every header to
# including what it uses; the test UnityBuild.* holds the names in unnamed namespaces apart.
function(redline_unity target batch)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${REDLINE_UNITY}
                                             UNITY_BUILD_BATCH_SIZE ${batch})
  if(REDLINE_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ takes a batch's sources for headers, and warns of classes with members of unnamed namespaces.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
