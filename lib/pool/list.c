/* list.c - rings of members that know their owner. Neighbours: everything of the pool that waits for
 * something hangs in one. Allocates nothing. */
#include "pool/list.h"

#include <stddef.h>

void tern__list_init(tern__list *head)
{
  head->prev = head->next = head;
  head->of = NULL;
}

void tern__list_drop(tern__list *member)
{
  if (!member->next) return;
  member->prev->next = member->next;
  member->next->prev = member->prev;
  member->prev = member->next = NULL;
}

static void insert(tern__list *before, tern__list *member, void *of)
{
  tern__list_drop(member);
  member->of = of;
  member->next = before;
  member->prev = before->prev;
  before->prev->next = member;
  before->prev = member;
}

void tern__list_append(tern__list *head, tern__list *member, void *of)
{
  insert(head, member, of);
}

void tern__list_prepend(tern__list *head, tern__list *member, void *of)
{
  tern__list_drop(member);
  insert(head->next, member, of);
}

int tern__list_in(const tern__list *member)
{
  return member->next != NULL;
}

void *tern__list_first(const tern__list *head)
{
  return head->next->of;
}

void *tern__list_last(const tern__list *head)
{
  return head->prev->of;
}
