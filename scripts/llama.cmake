# llama.cpp's own build reads this after each `project()` (.cargo/config.toml names this file). It makes compiling cheaper, and
# waiting threads polite.

# llama-cpp-2 asks for llama.cpp's helpers for its programs (downloads, an HTTP server, templates); kinglet calls none of them.
set(LLAMA_BUILD_COMMON OFF)

# All the arithmetic is in ggml, which stays at the full level; the rest reads files and builds graphs.
set(KINGLET_SCRIPTS ${CMAKE_CURRENT_LIST_DIR})
function(kinglet_change_targets)
  if(TARGET ggml-cpu)
    target_compile_options(ggml-cpu PRIVATE -include ${KINGLET_SCRIPTS}/llama-wait.h)
  endif()
  if(TARGET llama)
    target_compile_options(llama PRIVATE -O1)
    target_precompile_headers(llama PRIVATE
      <algorithm> <cmath> <functional> <map> <memory> <regex> <set> <sstream> <string> <unordered_map> <vector>)
  endif()
endfunction()
cmake_language(DEFER CALL kinglet_change_targets)
