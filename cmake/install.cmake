# Where the worker lies in the build tree and once installed. libllama's shared libraries go into a
# folder of the worker's own, so that no other llama.cpp on the machine can take their place.
set(private_libraries lib/${PROJECT_NAME})

set_target_properties(llm-worker-rbee PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
  INSTALL_RPATH "$ORIGIN/../${private_libraries}")
install(TARGETS llm-worker-rbee RUNTIME DESTINATION bin)

# Empty where llama.cpp was built as static libraries.
file(GLOB llama_libraries ${LLAMA_LIB_DIR}/libllama.so* ${LLAMA_LIB_DIR}/libggml*.so*)
install(FILES ${llama_libraries} DESTINATION ${private_libraries})
