from work import work


def fetch(request):
    return work()
