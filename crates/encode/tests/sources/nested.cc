template<class T> struct A { typedef T *pointer; typedef T &reference; T *p; T v; };
struct Z { int z; };
template<class T> struct W {
	typedef typename A<T>::pointer pointer;
	typedef typename A<T>::reference reference;
	struct I { pointer s, f; };
	I i;
};
W<Z> w;
W<char> wc;
A<char> ac;
int main() { return w.i.s->z; }
