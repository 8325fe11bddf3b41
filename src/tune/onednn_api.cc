#include "tune/onednn_api.h"

namespace lathe::tune {

Result<OneDnn> OneDnn::load(const SharedLibrary& library) {
  OneDnn api;
  if (!library.find("dnnl_version", &api.version)) return not_found(library.file() + " has no function dnnl_version");
  if (const int major = api.version()->major; major != 2)
    return unsupported(library.file() + " is oneDNN " + std::to_string(major) +
                       ": its interface is known for version 2");
  std::string missing;
  const auto need = [&](const char* symbol, auto** function) {
    if (!library.find(symbol, function)) missing += std::string(missing.empty() ? "" : ", ") + symbol;
  };
  need("dnnl_sgemm", &api.sgemm);
  need("dnnl_engine_create", &api.engine_create);
  need("dnnl_stream_create", &api.stream_create);
  need("dnnl_stream_wait", &api.stream_wait);
  need("dnnl_memory_desc_init_by_tag", &api.desc_by_tag);
  need("dnnl_memory_desc_init_by_strides", &api.desc_by_strides);
  need("dnnl_matmul_desc_init", &api.matmul_desc);
  need("dnnl_primitive_desc_create", &api.primitive_desc_create);
  need("dnnl_primitive_desc_query_md", &api.primitive_desc_query_md);
  need("dnnl_primitive_desc_destroy", &api.primitive_desc_destroy);
  need("dnnl_reorder_primitive_desc_create", &api.reorder_desc_create);
  need("dnnl_primitive_create", &api.primitive_create);
  need("dnnl_primitive_execute", &api.primitive_execute);
  need("dnnl_primitive_destroy", &api.primitive_destroy);
  need("dnnl_memory_create", &api.memory_create);
  need("dnnl_memory_set_data_handle", &api.memory_set_data);
  need("dnnl_memory_destroy", &api.memory_destroy);
  need("dnnl_memory_desc_get_size", &api.desc_size);
  if (!missing.empty()) return not_found(library.file() + " lacks " + missing);
  library.find("omp_set_num_threads", &api.set_threads);
  return api;
}

}  // namespace lathe::tune
