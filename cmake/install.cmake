# Where the workers lie in the build tree and once installed. libllama's shared libraries go into a
# folder of the workers' own, so that no other llama.cpp on the machine can take their place.
set(private_libraries lib/${PROJECT_NAME})
set(workers llm-worker-rbee embedding-worker-rbee)

set_target_properties(${workers} PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
  INSTALL_RPATH "$ORIGIN/../${private_libraries}")
install(TARGETS ${workers} RUNTIME DESTINATION bin)

# Empty where llama.cpp was built as static libraries.
file(GLOB llama_libraries ${LLAMA_LIB_DIR}/libllama.so* ${LLAMA_LIB_DIR}/libggml*.so*)
install(FILES ${llama_libraries} DESTINATION ${private_libraries})
