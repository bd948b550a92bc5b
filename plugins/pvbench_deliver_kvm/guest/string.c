/* string.c: functions that the compiler may call for loops over arrays. */
#include "guest.h"

void *memset(void *place, int byte, unsigned long count)
{
	void *to = place;

	__asm__ volatile("rep stosb"
			 : "+D"(to), "+c"(count)
			 : "a"(byte)
			 : "memory");
	return place;
}

void *memcpy(void *to, const void *from, unsigned long count)
{
	void *target = to;

	__asm__ volatile("rep movsb"
			 : "+D"(target), "+S"(from), "+c"(count)
			 :
			 : "memory");
	return to;
}
