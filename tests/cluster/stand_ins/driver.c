/* Stands in for libcuda.so.1: two devices; STAND_IN_CODE is what cuInit answers, STAND_IN_COUNT how many there are. */
#include <string.h>

#ifndef STAND_IN_CODE
#define STAND_IN_CODE 0
#endif
#ifndef STAND_IN_COUNT
#define STAND_IN_COUNT 2
#endif

int cuInit(unsigned flags) { return flags == 0 ? STAND_IN_CODE : 1; }
int cuDeviceGetCount(int* count) { *count = STAND_IN_COUNT; return 0; }
int cuDeviceGet(int* device, int index) { *device = 70 + index; return 0; }
int cuDeviceGetName(char* name, int size, int device) {
    strncpy(name, device == 70 ? "First GPU" : "Second GPU", (unsigned long)size);
    return 0;
}
int cuDeviceTotalMem_v2(unsigned long* bytes, int device) { *bytes = 1000UL * (unsigned long)device; return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
    *value = attribute == 75 ? 9 : device == 70 ? 0 : 1;
    return 0;
}
int cuGetErrorName(int code, const char** name) { *name = code == 100 ? "CUDA_ERROR_NO_DEVICE" : "OTHER"; return 0; }
#ifndef STAND_IN_WITHOUT_UUID
int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
    for (int i = 0; i < 16; ++i) uuid[i] = (unsigned char)(16 * i + device - 70);
    return 0;
}
#endif
