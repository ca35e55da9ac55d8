/* list.h - rings of members that know their owner: put in, taken out and turned without a search. */
#ifndef TERN_LIB_POOL_LIST_H
#define TERN_LIB_POOL_LIST_H

/* A member, or the head of a ring. Zeroed: a member that is in none. */
typedef struct tern__list {
  struct tern__list *prev;
  struct tern__list *next;
  void *of; /* the owner of a member; NULL in a head */
} tern__list;

void tern__list_init(tern__list *head);
/* Takes the member out of whatever ring it is in, and puts it at the end, or the front, of this one. */
void tern__list_append(tern__list *head, tern__list *member, void *of);
void tern__list_prepend(tern__list *head, tern__list *member, void *of);
/* Does nothing where it is in none. */
void tern__list_drop(tern__list *member);
int tern__list_in(const tern__list *member);
/* The owner of the first or last member; NULL: there is none. */
void *tern__list_first(const tern__list *head);
void *tern__list_last(const tern__list *head);

#endif
