// tfjs-node's binding to TensorFlow, as it is, with three functions beside it that it lacks, and a log that is quiet where
// TF_CPP_MIN_LOG_LEVEL says so:
//
//   runOp(name, attributes, inputs, outputs)   executeOp, where a string attribute may be a list of strings
//                                              (`fused_ops` of _FusedMatMul and _FusedConv2D)
//   readAsync(id)                              a promise of a tensor's values; the wait for the device is on another thread
//   upload(shape, dtype, values)               createTensor on a copy of the values
//
// Why a copy: createTensor lets TensorFlow use the memory of a JavaScript array and releases it when the last tensor on it
// goes. After a copy to a GPU that may happen on a thread of TensorFlow's, where Node-API must not be called.
//
// `gimbal doctor --install` compiles this file, in the folder of the binding's sources and without access control: the map
// from ids to tensors is private there.
#include <node_api.h>

#include <cstdlib>

#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "tfjs_backend.cc"
#include "tfjs_binding.cc"

#ifdef __linux__
// The part of Abseil's log that TensorFlow's library has in it, under the name of the release that 2.20 is built with; null
// beside another.
namespace absl {
inline namespace lts_20250127 {
enum class LogSeverityAtLeast : int { kInfo = 0, kInfinity = 1000 };
__attribute__((weak)) void SetMinLogLevel(LogSeverityAtLeast level);
}  // namespace lts_20250127
}  // namespace absl
#endif

namespace tfnodejs {
namespace {

// Half of TensorFlow logs by Abseil, which does not know TF_CPP_MIN_LOG_LEVEL: it would tell of each GPU it meets.
void LimitLog() {
#ifdef __linux__
  const char *level = getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level == nullptr || absl::SetMinLogLevel == nullptr) return;
  absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(atoi(level)));
#endif
}

TFE_TensorHandle *HandleOf(napi_env env, TFJSBackend *backend, napi_value id_value) {
  int32_t id;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_value_int32(env, id_value, &id), nullptr);
  auto entry = backend->tfe_handle_map_.find(id);
  if (entry == backend->tfe_handle_map_.end()) {
    NAPI_THROW_ERROR(env, "Tensor ID not referenced (tensor_id: %d)", id);
    return nullptr;
  }
  return entry->second;
}

// A list of strings where the attribute is one, else what the binding does.
void AssignAttribute(napi_env env, TFE_Op *op, napi_value attribute) {
  napi_status nstatus;
  napi_value type_value, value, name_value;
  ENSURE_NAPI_OK(env, napi_get_named_property(env, attribute, "type", &type_value));
  ENSURE_NAPI_OK(env, napi_get_named_property(env, attribute, "value", &value));
  int32_t type;
  ENSURE_NAPI_OK(env, napi_get_value_int32(env, type_value, &type));
  if (type != TF_ATTR_STRING || !IsArray(env, nstatus, &value)) {
    AssignOpAttr(env, op, attribute);
    return;
  }
  ENSURE_NAPI_OK(env, napi_get_named_property(env, attribute, "name", &name_value));
  std::string name;
  ENSURE_NAPI_OK(env, GetStringParam(env, name_value, name));
  uint32_t count;
  ENSURE_NAPI_OK(env, napi_get_array_length(env, value, &count));
  std::vector<std::string> strings(count);
  std::vector<const void *> pointers(count);
  std::vector<size_t> lengths(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    ENSURE_NAPI_OK(env, napi_get_element(env, value, i, &element));
    ENSURE_NAPI_OK(env, GetStringParam(env, element, strings[i]));
    pointers[i] = strings[i].data();
    lengths[i] = strings[i].size();
  }
  // the name must outlive the call, as in AssignOpAttr
  TFE_OpSetAttrStringList(op, ATTR_NAME_SET.insert(name).first->c_str(), pointers.data(), lengths.data(),
                          static_cast<int>(count));
}

napi_value RunOp(napi_env env, napi_callback_info info) {
  size_t argc = 4;
  napi_value args[4];
  ENSURE_NAPI_OK_RETVAL(env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!backend) return nullptr;

  std::string name;
  ENSURE_NAPI_OK_RETVAL(env, GetStringParam(env, args[0], name), nullptr);
  TF_AutoStatus status;
  TFE_AutoOp op(TFE_NewOp(backend->tfe_context_, name.c_str(), status.status));
  ENSURE_TF_OK_RETVAL(env, status, nullptr);

  uint32_t inputs;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_array_length(env, args[2], &inputs), nullptr);
  for (uint32_t i = 0; i < inputs; i++) {
    napi_value id;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, args[2], i, &id), nullptr);
    TFE_TensorHandle *handle = HandleOf(env, backend, id);
    if (handle == nullptr) return nullptr;
    TFE_OpAddInput(op.op, handle, status.status);
    ENSURE_TF_OK_RETVAL(env, status, nullptr);
  }
  uint32_t attributes;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_array_length(env, args[1], &attributes), nullptr);
  for (uint32_t i = 0; i < attributes; i++) {
    napi_value attribute;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, args[1], i, &attribute), nullptr);
    AssignAttribute(env, op.op, attribute);
    if (IsExceptionPending(env)) return nullptr;
  }
  int32_t outputs;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_value_int32(env, args[3], &outputs), nullptr);
  std::vector<TFE_TensorHandle *> handles(outputs, nullptr);
  TFE_Execute(op.op, handles.data(), &outputs, status.status);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);

  napi_value results;
  ENSURE_NAPI_OK_RETVAL(env, napi_create_array_with_length(env, outputs, &results), nullptr);
  for (int32_t i = 0; i < outputs; i++) {
    napi_value result = backend->GenerateOutputTensorInfo(env, handles[i]);
    ENSURE_NAPI_OK_RETVAL(env, napi_set_element(env, results, i, result), nullptr);
  }
  return results;
}

// A reading in progress. It holds a handle of its own, so that the tensor may be disposed meanwhile. What releases memory
// (handles, tensors) runs on the main thread.
struct Reading {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  TFE_TensorHandle *handle = nullptr;
  TF_Tensor *tensor = nullptr;
  TF_Status *status = TF_NewStatus();
  ~Reading() {
    if (tensor != nullptr) TF_DeleteTensor(tensor);
    if (handle != nullptr) TFE_DeleteTensorHandle(handle);
    TF_DeleteStatus(status);
  }
};

void Resolve(napi_env, void *data) {
  auto *reading = static_cast<Reading *>(data);
  reading->tensor = TFE_TensorHandleResolve(reading->handle, reading->status);
}

void Settle(napi_env env, napi_status, void *data) {
  std::unique_ptr<Reading> reading(static_cast<Reading *>(data));
  napi_value result = nullptr;
  if (TF_GetCode(reading->status) == TF_OK) {
    const TF_DataType type = TF_TensorType(reading->tensor);
    const size_t bytes = TF_TensorByteSize(reading->tensor);
    void *memory;
    napi_value buffer;
    if (napi_create_arraybuffer(env, bytes, &memory, &buffer) == napi_ok) {
      if (bytes > 0) memcpy(memory, TF_TensorData(reading->tensor), bytes);
      const auto array = type == TF_INT32 ? napi_int32_array : type == TF_BOOL ? napi_uint8_array : napi_float32_array;
      napi_create_typedarray(env, array, bytes / (type == TF_BOOL ? 1 : 4), buffer, 0, &result);
    }
  }
  if (result != nullptr) {
    napi_resolve_deferred(env, reading->deferred, result);
  } else {
    napi_value message, error;
    napi_create_string_utf8(env, TF_Message(reading->status), NAPI_AUTO_LENGTH, &message);
    napi_create_error(env, nullptr, message, &error);
    napi_reject_deferred(env, reading->deferred, error);
  }
  napi_delete_async_work(env, reading->work);
}

napi_value ReadAsync(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value id, promise, name;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_cb_info(env, info, &argc, &id, nullptr, nullptr), nullptr);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!backend) return nullptr;
  TFE_TensorHandle *handle = HandleOf(env, backend, id);
  if (handle == nullptr) return nullptr;

  std::unique_ptr<Reading> reading(new Reading);
  reading->handle = TFE_TensorHandleCopySharingTensor(handle, reading->status);
  if (TF_GetCode(reading->status) != TF_OK) {
    NAPI_THROW_ERROR(env, "%s", TF_Message(reading->status));
    return nullptr;
  }
  ENSURE_NAPI_OK_RETVAL(env, napi_create_string_utf8(env, "tensorflow read", NAPI_AUTO_LENGTH, &name), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_create_promise(env, &reading->deferred, &promise), nullptr);
  ENSURE_NAPI_OK_RETVAL(
      env, napi_create_async_work(env, nullptr, name, Resolve, Settle, reading.get(), &reading->work), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_queue_async_work(env, reading->work), nullptr);
  reading.release();
  return promise;
}

napi_value Upload(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value args[3];
  ENSURE_NAPI_OK_RETVAL(env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  TFJSBackend *backend = GetTFJSBackend(env);
  if (!backend) return nullptr;
  std::vector<int64_t> shape;
  ExtractArrayShape(env, args[0], &shape);
  if (IsExceptionPending(env)) return nullptr;
  int32_t dtype;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_value_int32(env, args[1], &dtype), nullptr);
  napi_typedarray_type type;
  size_t length;
  void *values;
  ENSURE_NAPI_OK_RETVAL(
      env, napi_get_typedarray_info(env, args[2], &type, &length, &values, nullptr, nullptr), nullptr);

  size_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  const bool fits = dtype == TF_FLOAT   ? type == napi_float32_array
                    : dtype == TF_INT32 ? type == napi_int32_array
                                        : dtype == TF_BOOL && type == napi_uint8_array;
  if (!fits || elements != length) {
    NAPI_THROW_ERROR(env, "The array's type or its %zu elements do not fit the tensor of %zu", length, elements);
    return nullptr;
  }
  const size_t bytes = elements * TF_DataTypeSize(static_cast<TF_DataType>(dtype));
  TF_AutoTensor tensor(TF_AllocateTensor(static_cast<TF_DataType>(dtype), shape.data(), shape.size(), bytes));
  if (bytes > 0) memcpy(TF_TensorData(tensor.tensor), values, bytes);
  TF_AutoStatus status;
  TFE_TensorHandle *handle = TFE_NewTensorHandle(tensor.tensor, status.status);
  ENSURE_TF_OK_RETVAL(env, status, nullptr);
  // int32 stays on the host, as in createTensor
  if (dtype != TF_INT32) {
    TFE_TensorHandle *moved =
        CopyTFE_TensorHandleToDevice(env, backend->device_name.c_str(), handle, backend->tfe_context_);
    TFE_DeleteTensorHandle(handle);
    if (moved == nullptr) return nullptr;
    handle = moved;
  }
  napi_value id;
  ENSURE_NAPI_OK_RETVAL(env, napi_create_int32(env, backend->InsertHandle(handle), &id), nullptr);
  return id;
}

}  // namespace

static napi_value Init(napi_env env, napi_value exports) {
  LimitLog();
  exports = InitTFNodeJSBinding(env, exports);
  if (exports == nullptr) return nullptr;
  napi_property_descriptor ours[] = {
      {"runOp", nullptr, RunOp, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"readAsync", nullptr, ReadAsync, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"upload", nullptr, Upload, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  ENSURE_NAPI_OK_RETVAL(env, napi_define_properties(env, exports, 3, ours), exports);
  return exports;
}

}  // namespace tfnodejs

NAPI_MODULE_INIT() { return tfnodejs::Init(env, exports); }
