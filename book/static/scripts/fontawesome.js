// Empty: the icons of these pages come from the theme's font alone (alexnet_lib/widgets/light_pages.py).
